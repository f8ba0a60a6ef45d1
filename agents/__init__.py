"""Who talks: models, prompts, the roles client, counselor and critic, checks, policy, and the rehearsal model."""
