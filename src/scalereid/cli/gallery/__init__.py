"""scalereid gallery: pictures of people that are kept, found again, corrected and forgotten."""
