"""Which class names tell *who*: faces, plates, personal traits, identities. Vedette runs no such model.

English names are cut into words and compared as whole words, so that "surface", "cabbage" and "tennis
racket" pass while "face" and "age_group" do not. Chinese has no spaces: there the words are looked for
anywhere, except inside the harmless words listed. This is a fence against mistakes and temptation, not
against somebody who gives a face model's classes other names.
"""

from __future__ import annotations

import re
import unicodedata


def refused(name: str) -> str | None:
    """What `name` would tell that Vedette never tells ("a face"), or None where it may pass."""
    name = unicodedata.normalize("NFKC", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # camelCase
    english = f" {' '.join(re.findall(r'[a-z]+', spaced.lower()))} "
    for phrase in _HARMLESS:
        english = english.replace(f" {phrase} ", " | ")
    chinese = re.sub(r"[\s_\-·]", "", name)
    for phrase in _HARMLESS_ZH:
        chinese = chinese.replace(phrase, "|")
    for why, (words, words_zh) in _REFUSED.items():
        if any(f" {word} " in english for word in words) or any(word in chinese for word in words_zh):
            return why
    return None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


_REFUSED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a face": (
        _words(
            "face, faces, facial, faceid, facemask, humanface, head shoulder, head shoulders, headshoulder, "
            "headshoulders, eye, eyes, iris, mouth, nose, ear, ears, landmark, landmarks, beard, moustache, "
            "mustache"
        ),
        _words("脸, 面部, 面容, 头肩, 五官, 眼睛, 虹膜, 胡子"),
    ),
    "a number plate": (
        _words(
            "license plate, license plates, licence plate, licence plates, licenseplate, licenceplate, "
            "number plate, number plates, numberplate, numberplates, plate number, plate numbers, "
            "registration plate, registration number, vehicle plate, car plate, carplate, lpr, anpr, alpr, "
            "vin"
        ),
        _words("车牌, 号牌, 牌照"),
    ),
    "a personal trait": (
        _words(
            "male, males, female, females, man, men, woman, women, boy, boys, girl, girls, gender, sex, "
            "lady, gentleman, transgender, age, ages, aged, agegroup, elderly, senior, seniors, "
            "adult, adults, child, children, kid, kids, baby, babies, infant, toddler, teenager, teen, "
            "race, races, racial, ethnic, ethnicity, nationality, religion, religious, hijab, turban, "
            "skin, complexion, asian, african, caucasian, hispanic, latino, black person, white person, "
            "han, uyghur, uighur, tibetan, disability, disabled, pregnant, "
            "emotion, emotions, mood, happy, sad, angry, "
            "hair, haircut, hairstyle, bald, tattoo, clothing, clothes, body shape, body height, body weight"
        ),
        _words(
            "性别, 男, 女, 年龄, 老人, 老年, 儿童, 小孩, 孩子, 婴儿, 成人, 青年, 少年, "
            "种族, 民族, 族裔, 人种, 汉族, 维吾尔, 藏族, 肤色, 皮肤, 宗教, 国籍, 情绪, 表情, 心情, "
            "发型, 头发, 发色, 光头, 纹身, 衣着, 服饰, 穿着, 体型, 身高, 体重, 孕妇, 残疾"
        ),
    ),
    "an identity": (
        _words(
            "identity, identities, identification, person id, reid, re id, biometric, biometrics, gait, "
            "fingerprint, watchlist, watch list, blacklist, whitelist, suspect, suspects, employee, student, "
            "staff, stranger, vip"
        ),
        _words("身份, 步态, 指纹, 生物特征, 重识别, 黑名单, 白名单, 嫌疑, 逃犯, 员工, 学生, 陌生人, 熟人"),
    ),
}

# Things, not people: COCO's own "hair drier" among them.
_HARMLESS = _words(
    "hair drier, hair dryer, clock face, race car, race track, baby carriage, baby stroller, child seat, "
    "student desk, staff gauge"
)
_HARMLESS_ZH = _words("脸盆, 婴儿车, 儿童车, 儿童座椅, 学生桌")
