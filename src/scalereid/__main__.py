"""`python -m scalereid`: the same as the command `scalereid`."""

from scalereid.cli import main

if __name__ == "__main__":
    main()
