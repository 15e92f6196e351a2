from __future__ import annotations

import pytest

from edge.detect.card import load_card
from edge.detect.refused import refused
from edge.detect.shipped import models_dir


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("face", "a face"),
        ("Human-Face", "a face"),
        ("humanFace", "a face"),
        ("face_01", "a face"),
        ("FACE", "a face"),
        ("ｆａｃｅ", "a face"),
        ("head-shoulder", "a face"),
        ("left eye", "a face"),
        ("no face mask", "a face"),
        ("license plate", "a number plate"),
        ("licence_plate", "a number plate"),
        ("LicensePlate", "a number plate"),
        ("number plate", "a number plate"),
        ("plate number", "a number plate"),
        ("lpr", "a number plate"),
        ("gender", "a personal trait"),
        ("male", "a personal trait"),
        ("old woman", "a personal trait"),
        ("person age 20-30", "a personal trait"),
        ("child", "a personal trait"),
        ("race", "a personal trait"),
        ("ethnicity", "a personal trait"),
        ("skin tone", "a personal trait"),
        ("emotion:happy", "a personal trait"),
        ("long hair", "a personal trait"),
        ("person-clothing", "a personal trait"),
        ("identity", "an identity"),
        ("person re-id", "an identity"),
        ("gait", "an identity"),
        ("watchlist", "an identity"),
        ("人脸", "a face"),
        ("人 脸", "a face"),
        ("头肩", "a face"),
        ("车牌", "a number plate"),
        ("蓝色车牌号", "a number plate"),
        ("性别", "a personal trait"),
        ("男人", "a personal trait"),
        ("年龄", "a personal trait"),
        ("种族", "a personal trait"),
        ("民族", "a personal trait"),
        ("肤色", "a personal trait"),
        ("身份", "an identity"),
        ("步态", "an identity"),
    ],
)
def test_names_who(name: str, why: str) -> None:
    assert refused(name) == why


@pytest.mark.parametrize(
    "name",
    [
        "person",
        "tennis racket",
        "race car",
        "surface",
        "interface",
        "cabbage",
        "garage",
        "baggage",
        "package",
        "plate",
        "dinner plate",
        "steel plate",
        "license",
        "number",
        "hair drier",
        "hairpin bend",
        "manhole cover",
        "human",
        "womanizer",
        "germane",
        "fireman ladder",
        "skinny pole",
        "earth mover",
        "agent",
        "sextant",
        "nosecone",
        "eyelet",
        "baby stroller",
        "teddy bear",
        "helmet",
        "行人",
        "汽车",
        "脸盆",
        "婴儿车",
        "盘子",
        "人",
    ],
)
def test_names_what(name: str) -> None:
    assert refused(name) is None


def test_every_class_of_coco_passes() -> None:
    card = load_card(models_dir() / "yolov8n" / "card.yaml")
    assert len(card.classes) == 80
    assert [name for name in card.classes if refused(name)] == []
