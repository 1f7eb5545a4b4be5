"""Models as files for other runtimes, one file for each format."""
