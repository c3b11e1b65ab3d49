"""peers.py SMILETILL MODELS PEERS CLIP [--rounds N] [--seconds S]: smiletill beside three others, in one run.

A JPEG of 640x480 to an identity among 500, one thread each: the same pictures of a motion-JPEG film again and again. The others are
  litert  this folder's int8 networks under Python's LiteRT, with OpenCV to decode and to cut faces out; the default and the small set
  opencv  OpenCV's own YuNet and SFace (PEERS has them: fetch.sh OUT peers)
  dlib    face_recognition, as its own example does it
Each runs for some seconds in a process of its own, then the next, round after round; of each the least p50 of all rounds counts, since
whatever else a machine does only makes them slower. Times are of a processor, all threads together (what waits costs nothing), and of the
clock. smiletill's are those of `smiletill bench`, whose frames are the same film's.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

CUSTOMERS = 500
ALIGN_TO = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]


def pictures(clip):
    """The JPEGs of a motion-JPEG film."""
    data, found, at = clip.read_bytes(), [], 0
    while (at := data.find(b"\xff\xd8\xff", at)) >= 0:
        end = data.index(b"\xff\xd9", at) + 2
        found.append(data[at:end])
        at = end
    return found[:10]


class Gallery:
    """The customer of the film among others with random faces."""

    def __init__(self, np, face):
        random = np.random.default_rng(1).normal(size=(CUSTOMERS, len(face))).astype(np.float32)
        random[CUSTOMERS // 2] = face
        self.rows = random / np.linalg.norm(random, axis=1, keepdims=True)

    def find(self, np, face):
        return int(np.argmax(self.rows @ (face / np.linalg.norm(face))))


def litert(models, *manifests):
    import cv2
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    cv2.setNumThreads(1)
    listed = {m["task"]: m for name in manifests for m in json.loads((models / name).read_text())["models"]}

    def network(task):
        i = Interpreter(str(models / listed[task]["file"]), num_threads=1)
        i.allocate_tensors()
        return i, i.get_input_details()[0]["index"], [d["index"] for d in i.get_output_details()]

    nets = {t: network(t) for t in ("detect", "mesh", "embed")}
    prepare = listed["embed"]["preprocess"]
    subtract, divide, bgr = float(prepare["subtract"]), float(prepare["divide"]), prepare["colour"] == "BGR"

    def run(task, values):
        i, into, out = nets[task]
        i.set_tensor(into, values)
        i.invoke()
        return [i.get_tensor(o) for o in out]

    cells = [(side, each) for side, each in ((16, 2), (8, 6))]
    anchors = np.concatenate([np.repeat(np.stack(np.meshgrid((np.arange(s) + 0.5) / s, (np.arange(s) + 0.5) / s), -1).reshape(-1, 2),
                                        n, axis=0) for s, n in cells]).astype(np.float32)
    to = np.array(ALIGN_TO)
    to_mean, board = to.mean(0), np.zeros((128, 128, 3), np.uint8)

    def detect(image):
        h, w = image.shape[:2]
        side = max(h, w)
        small = cv2.resize(image, (w * 128 // side, h * 128 // side), interpolation=cv2.INTER_AREA)
        top, left = (128 - small.shape[0]) // 2, (128 - small.shape[1]) // 2
        board[top:top + small.shape[0], left:left + small.shape[1]] = small
        boxes, logits = run("detect", (cv2.cvtColor(board, cv2.COLOR_BGR2RGB).astype(np.float32) * (1 / 127.5) - 1)[None])
        boxes, logits = boxes[0], logits[0, :, 0]
        hits = np.flatnonzero(logits > 0)
        score = 1 / (1 + np.exp(-logits[hits]))
        box, at = boxes[hits] / 128, anchors[hits]
        middle, size = box[:, :2] + at, box[:, 2:4]
        eyes = box[:, 4:8].reshape(-1, 2, 2) + at[:, None]
        weight = (score / score.sum())[:, None]
        shift = np.array([(side - w) / 2, (side - h) / 2])
        return ((middle * weight).sum(0) * side - shift, (size * weight).sum(0) * side,
                (eyes * weight[:, :, None]).sum(0) * side - shift)

    def mesh(image, middle, size, eyes):
        dx, dy = eyes[1] - eyes[0]
        length, scale = np.hypot(dx, dy), 1.5 * max(size) / 192
        cos, sin = dx / length * scale, dy / length * scale
        a = np.array([[cos, -sin, 0], [sin, cos, 0]])
        a[:, 2] = middle - a[:, :2] @ [95.5, 95.5]
        face = cv2.warpAffine(image, a, (192, 192), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        points = run("mesh", (cv2.cvtColor(face, cv2.COLOR_BGR2RGB).astype(np.float32) * (1 / 255))[None])[0].reshape(-1, 3)[:, :2]
        return points @ a[:, :2].T + a[:, 2]

    def identity(jpeg):
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        p = mesh(image, *detect(image))
        five = np.array([(p[33] + p[133]) / 2, (p[362] + p[263]) / 2, p[1], p[61], p[291]])
        mean = five.mean(0)
        f, t = five - mean, to - to_mean  # the similarity with the least squares (Umeyama 1991)
        norm = (f * f).sum()
        re, im = (f * t).sum() / norm, (f[:, 0] * t[:, 1] - f[:, 1] * t[:, 0]).sum() / norm
        a = np.array([[re, -im, 0], [im, re, 0]])
        a[:, 2] = to_mean - a[:, :2] @ mean
        face = cv2.warpAffine(image, a, (112, 112), flags=cv2.INTER_LINEAR)
        face = face if bgr else cv2.cvtColor(face, cv2.COLOR_BGR2RGB)
        return run("embed", ((face.astype(np.float32) - subtract) * (1 / divide))[None])[0][0]

    return np, identity


def opencv(peers):
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    finder = cv2.FaceDetectorYN.create(str(peers / "yunet.onnx"), "", (640, 480))
    knower = cv2.FaceRecognizerSF.create(str(peers / "sface.onnx"), "")

    def identity(jpeg):
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        finder.setInputSize((image.shape[1], image.shape[0]))
        return knower.feature(knower.alignCrop(image, finder.detect(image)[1][0]))[0]

    return np, identity


def dlib():
    import cv2
    import face_recognition
    import numpy as np

    cv2.setNumThreads(1)

    def identity(jpeg):
        image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return face_recognition.face_encodings(image)[0]

    return np, identity


def measure(np, identity, clip, seconds):
    """The medians in ms: of a processor, of the clock."""
    frames = pictures(clip)
    gallery = Gallery(np, identity(frames[0]))
    took, began, i = [], time.perf_counter(), 0
    while i < 2 * len(frames) or time.perf_counter() - began < seconds:
        busy, now = time.process_time(), time.perf_counter()
        who = gallery.find(np, identity(frames[i % len(frames)]))
        took.append((time.process_time() - busy, time.perf_counter() - now))
        if who != CUSTOMERS // 2:
            raise SystemExit(f"frame {i} shows customer {who}: these figures would be of mistakes")
        i += 1
    return [statistics.median(t[k] for t in took[len(frames):]) * 1e3 for k in (0, 1)]


def ours(smiletill, seconds):
    """smiletill's own figures, of both sets."""
    out = subprocess.run([smiletill, "bench", "--sets", "--json", "--customers", str(CUSTOMERS), "--each", f"{seconds:g}s"],
                         check=True, capture_output=True).stdout
    found = {}
    for run in json.loads(out)["runs"]:
        stage = {s["name"]: s["p50_ms"] for s in run["stages"]}
        found[f"smiletill, {run['models']} set, each network on each frame"] = (stage["frame to decision, MJPG, of a processor"],
                                                                               stage["frame to decision, MJPG"])
        for v in run["visits"]:
            found[f"smiletill, {run['models']} set, mean of a visit, liveness {v['liveness']}"] = v["mean_processor_ms"], v["mean_ms"]
    return found


PEERS = {"litert, default set": "default", "litert, small set": "small", "opencv, YuNet and SFace": "opencv", "face_recognition (dlib)": "dlib"}


def child(args):
    """One peer for one round, in a process of its own."""
    if args.only in ("default", "small"):
        peer = litert(args.models, "manifest.json", *(["small.json"] if args.only == "small" else []))
    else:
        peer = opencv(args.peers) if args.only == "opencv" else dlib()
    print(json.dumps(measure(*peer, args.clip, args.seconds)))


def table(best):
    wide = max(map(len, best))
    print(f"{'ms, least p50 (of a visit: mean) of all rounds':{wide}}  processor  clock   to litert, same set")
    for name, (busy, clock) in best.items():
        word = ""
        if name.startswith("smiletill"):
            peer = best["litert, default set" if "default" in name else "litert, small set"]
            word = f"{busy / peer[0]:5.2f} {clock / peer[1]:5.2f}"
        print(f"{name:{wide}}  {busy:9.2f} {clock:6.2f}   {word}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("smiletill")
    for name in ("models", "peers", "clip"):
        p.add_argument(name, type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--only", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.only:
        return child(args)
    best = {}

    def better(name, figures):
        best[name] = [min(a, b) for a, b in zip(figures, best.get(name, figures))]

    for n in range(args.rounds):
        print(f"round {n + 1} of {args.rounds}", file=sys.stderr)
        for name, figures in ours(args.smiletill, args.seconds).items():
            better(name, figures)
        for name, key in PEERS.items():
            out = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", key], check=True, capture_output=True).stdout
            better(name, json.loads(out.splitlines()[-1]))
    table(best)


if __name__ == "__main__":
    main()
