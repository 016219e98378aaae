"""Tells from the pixels alone what a clip shows: the shape, colour and motion of one object or of several. Knows
nothing of how clips are drawn or what was asked; see ``rules.py`` for every threshold and its reason."""

from text2video.judge.scenes import Scenes, judge_scenes, sentence
from text2video.judge.scores import confusion, right, score
from text2video.judge.verdicts import Verdicts, judge_clips
from text2video.measure.shares import wilson
from text2video.request import Request, Scene

__all__ = [
    "Request",
    "Scene",
    "Scenes",
    "Verdicts",
    "confusion",
    "judge_clips",
    "judge_scenes",
    "right",
    "score",
    "sentence",
    "wilson",
]
