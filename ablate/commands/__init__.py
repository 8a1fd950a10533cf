"""One module a command: what it prints, and its exit code."""
