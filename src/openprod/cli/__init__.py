"""Front of house: arguments in, the desk's answers out, as words for people or JSON for programs. Decides nothing."""
