"""The vault: SQLite and disk. The only room that knows either; it keeps what others decide."""
