"""What a command was asked for and what came of it, told on the streams and in files."""
