"""Text as it may come from JavaScript, whose strings can hold what no encoding of Unicode can."""


def well_formed(text: str) -> str:
    """The text with U+FFFD in place of each lone surrogate, which is how JavaScript encodes them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
