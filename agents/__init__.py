"""Who talks: models and prompts, the roles client, counselor and critic, checks, rubrics, policy, and the rehearsal model."""
