"""Tells from the pixels alone what a clip shows: one object's shape, colour and motion. Knows nothing of how clips are
drawn or what was asked; see ``rules.py`` for every threshold and its reason."""

from text2video.judge.scores import confusion, right, score
from text2video.judge.verdicts import Verdicts, judge_clips
from text2video.measure.shares import wilson
from text2video.request import Request

__all__ = ["Request", "Verdicts", "confusion", "judge_clips", "right", "score", "wilson"]
