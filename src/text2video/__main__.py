"""``python -m text2video`` is the command ``text2video``."""

from text2video.cli import main

if __name__ == "__main__":
    main()
