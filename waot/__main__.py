"""``python -m waot``."""

from waot.cli import main

if __name__ == "__main__":
    main()
