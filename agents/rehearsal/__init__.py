"""The rehearsal model: a stand-in that speaks the chat protocol, so the factory needs no key."""
