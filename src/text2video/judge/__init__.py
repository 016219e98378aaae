"""Tells from the pixels alone what a clip shows: the shape, colour and motion of one object or of several. Knows
nothing of how clips are drawn or what was asked; see ``rules.py`` for every threshold and its reason."""

from text2video.judge.scenes import judge_scenes, sentence
from text2video.judge.scores import compare
from text2video.judge.verdicts import Verdicts, judge_clips

__all__ = ["Verdicts", "compare", "judge_clips", "judge_scenes", "sentence"]
