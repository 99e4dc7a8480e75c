"""Whether a reply is what the model expects."""

from .spec import Error
from .wire import is_error


def mismatch(expected, reply, path=""):
    """What differs, or None."""
    if expected == reply:
        return None
    if isinstance(expected, Error) and is_error(reply) and str(reply).startswith(expected.text):
        return None
    if not isinstance(expected, list) or not isinstance(reply, list):
        return told(path, expected, reply)
    for at, (one, other) in enumerate(zip(expected, reply)):
        if found := mismatch(one, other, f"{path}[{at}]"):
            return found
    if len(expected) != len(reply):
        at = min(len(expected), len(reply))
        return told(f"{path}[{at}:]", expected[at:], reply[at:])
    return None


def told(path, expected, reply):
    return f"at {path or 'the reply'}: the model says {shown(expected)}, the server {shown(reply)}"


def shown(value):
    if is_error(value):
        return f"error {str(value)!r}"
    return repr(value) if len(repr(value)) < 400 else repr(value)[:400] + "..."
