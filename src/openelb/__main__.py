"""`python -m openelb`: the same as the command `openelb`."""

from openelb.cli.main import main

if __name__ == "__main__":
    main()
