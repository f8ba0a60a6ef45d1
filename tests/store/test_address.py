"""A database's address is shown without its passwords."""

from store.address import mask_url


def test_passwords_are_masked_wherever_they_stand() -> None:
    masked = mask_url("to postgresql://me:canary@h/x?password=canary2&a=1 and https://t:canary3@h")
    assert "canary" not in masked
    assert "postgresql://me:***@h/x" in masked
