"""The ground room: the values that every room speaks. Frozen, without behaviour beyond their own checks; it imports nothing of the core
but ids, errors and files."""
