"""The command line entrance."""
