"""The local server: this user's browser looks at a workspace and edits it, over loopback only."""
