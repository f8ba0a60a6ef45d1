"""How they meet: one LangGraph recipe per file, the runner, and the commands that join agents and store."""
