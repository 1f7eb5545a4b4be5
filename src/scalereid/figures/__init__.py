"""What a person looks at: ranked lists, curves, the report. Curves need the extra `figures` (Matplotlib)."""
