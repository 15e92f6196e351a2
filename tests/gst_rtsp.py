"""Serve a clip by Debian's GStreamer RTSP server: a camera that is not ours.

Run by Debian's own Python (python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good and -bad):

    /usr/bin/python3 tests/gst_rtsp.py CLIP [--port 0] [--user U --password P]

It prints the URL once it listens and serves until it is killed. TCP and UDP, H.264 and H.265, digest auth. The
access units go through an appsrc with times that rise over the loop; a plain multifilesrc would give them all
the same time.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402, F401


def read_units(path, codec):
    """(caps, access units as (bytes, capture time ns, is key), span ns) of a clip; no units of another codec."""
    pipeline = Gst.parse_launch(
        f"filesrc name=file ! qtdemux name=demux demux.video_0 ! {codec}parse config-interval=-1 ! "
        f"video/x-{codec},stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
    )
    pipeline.get_by_name("file").set_property("location", path)
    out = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    caps, units, end = None, [], 0
    while not pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR):
        sample = out.try_pull_sample(Gst.SECOND // 10)
        if sample is None:
            if out.is_eos():
                break
            continue
        caps, buffer = sample.get_caps(), sample.get_buffer()
        key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        units.append((buffer.extract_dup(0, buffer.get_size()), buffer.pts, key))
        end = max(end, buffer.pts + buffer.duration)
    pipeline.set_state(Gst.State.NULL)
    return caps, units, end - min((pts for _, pts, _ in units), default=0)


class Factory(GstRtspServer.RTSPMediaFactory):
    def __init__(self, path):
        super().__init__()
        for self.codec in ("h264", "h265"):
            self.caps, self.units, self.span = read_units(path, self.codec)
            if self.units:
                break
        else:
            raise SystemExit(f"{path}: no H.264 or H.265 in it")
        self.sent = 0
        self.set_shared(True)

    def do_create_element(self, url):
        return Gst.parse_launch(
            f"appsrc name=source is-live=true format=time block=false ! {self.codec}parse ! "
            f"rtp{self.codec}pay name=pay0 pt=96"
        )

    def do_configure(self, media):
        source = media.get_element().get_by_name("source")
        source.set_property("caps", self.caps)
        self.sent, base = 0, self.units[0][1]

        def push():
            clock = media.get_element().get_clock()
            now = clock.get_time() - media.get_element().get_base_time() if clock else 0
            while True:
                rounds, index = divmod(self.sent, len(self.units))
                data, pts, key = self.units[index]
                at = rounds * self.span + pts - base
                if at > now:
                    return GLib.SOURCE_CONTINUE
                buffer = Gst.Buffer.new_wrapped(data)
                buffer.pts = at
                if not key:
                    buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
                source.emit("push-buffer", buffer)
                self.sent += 1

        timer = GLib.timeout_add(5, push)
        media.connect("unprepared", lambda _: GLib.source_remove(timer))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    arguments = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    factory = Factory(arguments.clip)
    if arguments.user:
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_digest(arguments.user, arguments.password, token)
        server.set_auth(auth)
        role = Gst.Structure.new_from_string("user, media.factory.access=true, media.factory.construct=true")
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_role_from_structure(role)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/clip", factory)
    if not server.attach(None):
        raise SystemExit(f"cannot listen on port {arguments.port}")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/clip", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
