"""Follows MULTI and EXEC on one connection, so that the replies inside EXEC are masked by their own commands."""

from . import masks


class Transaction:
    """What a connection has queued since MULTI; None outside a transaction."""

    def __init__(self):
        self.queued = None

    def mask(self, args, frame, context):
        """The masked reply to a command."""
        name = args[0].upper() if args else b""
        queued = self.queued
        if frame == ("+", b"QUEUED") and queued is not None:
            queued.append(args)
            return frame
        if name == b"MULTI" and frame[0] == "+":
            self.queued = []
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self.queued = None
        if name == b"EXEC" and frame[0] == "*" and frame[1] and queued and len(queued) == len(frame[1]):
            pairs = zip(queued, frame[1])
            return "*", [masks.mask(args, item, context) for args, item in pairs]
        return masks.mask(args, frame, context)
