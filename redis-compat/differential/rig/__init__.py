"""The differential rig: one script of commands, several servers, replies compared byte for byte."""
