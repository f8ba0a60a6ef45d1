"""What is learned: shards of talks become rows of tokens, and rows train a Qwen2.5 model to sit as the counselor."""
