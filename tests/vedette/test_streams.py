"""`vedette camera streams` against devices."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from contract.camera import Source
from tests.clips import make_clip
from tests.edge.sources.devices import (
    CANARY,
    RECORDER,
    camera,
    device,
    fault,
    instead,
    profile1,
    profile2,
    told_time,
    with_clock,
)
from vedette.camera import app
from vedette.virtual_camera import Auth, Mount, VirtualCamera

URI = "rtsp://10.1.2.3:5544/{token}"


def run(*words):
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, ["streams", *map(str, words)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture
def login(tmp_path):
    file = tmp_path / "credentials.yaml"
    file.write_text(f'gate: {{username: viewer, password: "{CANARY}"}}\n')
    file.chmod(0o600)
    return ["--credentials-file", file, "--name", "gate"]


def test_the_table_marks_what_is_taken_and_gives_the_line():
    profiles = profile2("main", "H265", 1920, 1080) + profile2("sub", "H264", 640, 360) + profile2("s3", "H264", 64, 36)
    with device(camera(media2=profiles, uri=URI)) as one:
        code, text = run(one.url)
    assert code == 0
    assert text.splitlines() == [
        "camera        profile      codec  size       address",
        "        main  main stream  H265   1920x1080  rtsp://127.0.0.1:5544/main",
        "        sub   sub stream   H264   640x360    rtsp://127.0.0.1:5544/sub",
        "              s3 stream    H264   64x36      rtsp://127.0.0.1:5544/s3",
        "",
        "For a camera file:",
        f'source: {{kind: onvif, url: "{one.url}"}}',
    ]
    Source(kind="onvif", url=one.url)


MIXED = (profile1("a1", "H264", 1920, 1080, "Video 1") + profile1("b1", "H264", 704, 576, 'say "2": #x')
         + profile1("a2", "H264", 640, 360, "Video 1"))  # fmt: skip


def test_a_recorder_is_shown_by_camera_each_with_its_line():
    with device(camera(media1=MIXED.replace('"2"', "&quot;2&quot;"), uri=URI)) as one:
        code, text = run(one.url)
    assert code == 0
    assert text.splitlines() == [
        "camera                  profile    codec  size       address",
        "Video 1      main       a1 stream  H264   1920x1080  rtsp://127.0.0.1:5544/a1",
        "             sub        a2 stream  H264   640x360    rtsp://127.0.0.1:5544/a2",
        'say "2": #x  sub, main  b1 stream  H264   704x576    rtsp://127.0.0.1:5544/b1',
        "",
        "A recorder. For a camera file, one of:",
        f'source: {{kind: onvif, url: "{one.url}", camera: "Video 1"}}',
        f'source: {{kind: onvif, url: "{one.url}", camera: "say \\"2\\": #x"}}',
    ]
    assert [Source(**yaml.safe_load(line)["source"]).camera for line in text.splitlines()[-2:]] == [
        "Video 1",
        'say "2": #x',
    ]


def test_a_refused_stream_is_shown_with_its_reason():
    usual = camera(media1=RECORDER, uri=URI)
    with device(instead(fault("ter:InvalidArgVal", "no signal"), usual, "GetStreamUri", "sub1")) as one:
        code, text = run(one.url)
    assert code == 0
    addresses = [line.partition("H264")[2].split(maxsplit=1)[1] for line in text.splitlines()[1:5]]
    assert addresses == [
        "rtsp://127.0.0.1:5544/main1",
        "refused: the camera says: s:Sender ter:InvalidArgVal no signal",
        "rtsp://127.0.0.1:5544/main2",
        "rtsp://127.0.0.1:5544/sub2",
    ]


def test_a_clock_that_is_wrong_is_told():
    with device(with_clock(told_time((2020, 1, 1, 0, 0, 0)))) as one:
        assert " s slow.\n" in run(one.url)[1]


def test_a_password_in_an_address_is_not_shown():
    uri = "rtsp://10.1.2.3/user=admin_password=geheim1_{token}"
    with device(camera(media1=profile1("[bold]x", "H264", 640, 360), uri=uri)) as one:
        code, text = run(one.url)
    assert code == 0
    assert "geheim1" not in text
    assert "[bold]x stream" in text


def test_a_login_of_the_edges_file(login, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.2)
    with VirtualCamera([Mount("gate", clip)], auth=Auth("digest", "viewer", CANARY), onvif_port=0) as one:
        code, text = run(one.onvif, *login)
        assert code == 0
        assert text.endswith(f'source: {{kind: onvif, url: "{one.onvif}", credentials: gate}}\n')
        assert CANARY not in text
        code, text = run(one.onvif)
        assert code == 1
        assert "refuses the credentials" in text


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["rtsp://127.0.0.1/x"], 2, "not the address of an ONVIF device", id="RTSP"),
        pytest.param(["http://me:pw@127.0.0.1/"], 2, "must not stand in the address", id="password in the address"),
        pytest.param(["http://127.0.0.1:9", "--name", "gate"], 2, "goes together", id="name alone"),
        pytest.param(["http://127.0.0.1:9", "--credentials-file", "x"], 2, "goes together", id="file alone"),
        pytest.param(["http://127.0.0.1:9", "LOGIN", "--name", "other"], 1, "there are: gate", id="not in the file"),
        pytest.param(["http://127.0.0.1:9", "LOGIN"], 1, "cannot be reached", id="nobody listens"),
    ],
)
def test_mistakes_are_told(login, words, code, says):
    filled = [each for word in words for each in (login if word == "LOGIN" else [word])]
    got, text = run(*filled)
    assert got == code
    assert says in " ".join(text.replace("│", " ").split())


def test_help_teaches():
    code, text = run("--help")
    assert code == 0
    assert "vedette camera streams http://192.0.2.7" in text
