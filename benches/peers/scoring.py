"""Compares how many rows per second this library and other libraries score, with the same models and on the same
matrix.

    cargo build --release -p churn-benches --example score_peer
    python benches/peers/scoring.py [--rows 1000000] [--threads 1 2] [--repeats 3] [--cases lightgbm xgboost large forest]

Four models are trained once on 60 columns of float32 and stored in target/scoring. They are LightGBM with 200 trees of
31 leaves, XGBoost with 200 trees of depth 6, LightGBM with 1 000 trees of 64 leaves, and scikit-learn's forest with 200
trees of depth 12. Each side first scores all rows once as warm-up. The sides then alternate. The largest difference
between the probabilities of the sides is printed and must be small.
"""

import argparse
import json
import platform
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
from training import table

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "target" / "scoring"
TRAINED_ON, COLUMNS = 160_000, 60


class Ours:
    """Runs this library in a separate process, which reads commands from standard input."""

    def __init__(self, model: Path, matrix: Path, rows: int) -> None:
        binary = ROOT / "target" / "release" / "examples" / "score_peer"
        command = [str(binary), str(model), str(matrix), str(rows)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def run(self, threads: int) -> float:
        return float(self.ask(f"run {threads}"))

    def predictions(self) -> np.ndarray:
        self.ask(f"out {KEPT / 'ours.f64'}")
        return np.fromfile(KEPT / "ours.f64")


class Peer:
    """Runs another library. `score` is a function that receives the number of threads and scores all rows."""

    def __init__(self, score) -> None:
        self.score, self.last = score, None

    def run(self, threads: int) -> float:
        start = time.perf_counter()
        self.last = self.score(threads)
        return time.perf_counter() - start

    def predictions(self) -> np.ndarray:
        return np.asarray(self.last, dtype="f8")


def lightgbm_model(trees: int, leaves: int) -> Path:
    import lightgbm

    path = KEPT / f"lightgbm-{trees}x{leaves}.txt"
    if not path.exists():
        x, y = table(TRAINED_ON, COLUMNS)
        rate = 0.1 if trees <= 200 else 0.05
        model = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=leaves, learning_rate=rate, verbose=-1)
        model.fit(x, y).booster_.save_model(path)
    return path


def xgboost_model() -> Path:
    import xgboost

    path = KEPT / "xgboost.json"
    if not path.exists():
        x, y = table(TRAINED_ON, COLUMNS)
        xgboost.XGBClassifier(n_estimators=200, max_depth=6, learning_rate=0.1).fit(x, y).save_model(path)
    return path


def forest_model() -> Path:
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    path = KEPT / "forest.json"
    if not path.exists():
        x, y = table(TRAINED_ON, COLUMNS)
        forest = RandomForestClassifier(200, max_depth=12, n_jobs=-1, random_state=0).fit(x, y)
        joblib.dump(forest, KEPT / "forest.joblib")
        trees = [one.tree_ for one in forest.estimators_]
        arrays = [
            {
                "feature": tree.feature.tolist(),
                # JSON has no infinity, so an infinite threshold is replaced by the largest finite number.
                "threshold": np.clip(tree.threshold, -np.finfo("f8").max, np.finfo("f8").max).tolist(),
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "value": (tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1)).tolist(),
                "cover": tree.weighted_n_node_samples.tolist(),
                "missing_left": tree.missing_go_to_left.astype(int).tolist(),
            }
            for tree in trees
        ]
        path.write_text(json.dumps({"features": COLUMNS, "trees": arrays}))
    return path


def onnx_runtime(model: Path, x: np.ndarray):
    """Returns a function that scores with ONNX Runtime. The function uses a separate session for each number of
    threads."""
    import lightgbm
    import onnxmltools
    import onnxruntime
    from onnxmltools.convert.common.data_types import FloatTensorType

    kept = model.with_suffix(".onnx")
    if not kept.exists():
        converted = onnxmltools.convert_lightgbm(
            lightgbm.Booster(model_file=model), initial_types=[("x", FloatTensorType([None, x.shape[1]]))], zipmap=False
        )
        kept.write_bytes(converted.SerializeToString())
    sessions = {}

    def score(threads: int) -> np.ndarray:
        if threads not in sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.log_severity_level = 3
            sessions[threads] = onnxruntime.InferenceSession(kept, options, providers=["CPUExecutionProvider"])
        return sessions[threads].run(None, {"x": x})[1][:, 1]

    return score


def lightgbm_peers(model: Path, x: np.ndarray, onnx: bool):
    import lightgbm
    import lleaves

    booster = lightgbm.Booster(model_file=model)
    compiled = lleaves.Model(model_file=model)
    compiled.compile(cache=model.with_suffix(".lleaves"))
    peers = {
        "LightGBM": Peer(lambda threads: booster.predict(x, num_threads=threads)),
        "lleaves": Peer(lambda threads: compiled.predict(x, n_jobs=threads)),
    }
    if onnx:
        peers["ONNX Runtime"] = Peer(onnx_runtime(model, x))
    return peers


def xgboost_peers(model: Path, x: np.ndarray):
    import xgboost

    booster = xgboost.Booster(model_file=model)

    def score(threads: int) -> np.ndarray:
        booster.set_param({"nthread": threads})
        return booster.inplace_predict(x)

    return {"XGBoost": Peer(score)}


def ydf_peers(x: np.ndarray):
    """Trains a YDF boosting model with the size and the training rows of the XGBoost model, because YDF cannot read
    XGBoost models."""
    import ydf

    kept = KEPT / "ydf"
    if not kept.exists():
        train, y = table(TRAINED_ON, COLUMNS)
        learner = ydf.GradientBoostedTreesLearner(
            label="churned", num_trees=200, max_depth=7, shrinkage=0.1, validation_ratio=0.0, early_stopping="NONE"
        )
        data = {f"c{i}": train[:, i] for i in range(COLUMNS)} | {"churned": y.astype(int)}
        learner.train(data).save(str(kept))
    model = ydf.load_model(str(kept))
    columns = {f"c{i}": np.ascontiguousarray(x[:, i]) for i in range(COLUMNS)}
    return {"YDF, a model of its own": Peer(lambda threads: model.predict(columns, num_threads=threads))}


def forest_peers(x: np.ndarray):
    import joblib

    forest = joblib.load(KEPT / "forest.joblib")

    def score(threads: int) -> np.ndarray:
        forest.n_jobs = threads
        return forest.predict_proba(x)[:, 1]

    return {"scikit-learn": Peer(score)}


def case(name: str, x: np.ndarray):
    """Returns the path of the model file, and the other libraries that can score with this model."""
    if name == "lightgbm":
        model = lightgbm_model(200, 31)
        return "200 trees x 31 leaves", model, lightgbm_peers(model, x, True)
    if name == "large":
        model = lightgbm_model(1000, 64)
        return "1 000 trees x 64 leaves", model, lightgbm_peers(model, x, False)
    if name == "xgboost":
        model = xgboost_model()
        return "200 trees of depth 6", model, xgboost_peers(model, x) | ydf_peers(x)
    model = forest_model()
    return "forest, 200 trees of depth 12", model, forest_peers(x)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--cases", nargs="+", default=["lightgbm", "xgboost", "large", "forest"])
    given = arguments.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    print(f"{platform.processor() or platform.machine()}, {platform.python_version()}, {given.rows} rows x {COLUMNS}\n")
    x, _ = table(given.rows, COLUMNS)
    matrix = KEPT / "matrix.f32"
    x.tofile(matrix)
    print("| model | threads | library | M rows/s, median | slowest | fastest | this library's ratio | largest difference |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.cases:
        title, model, peers = case(name, x)
        sides = {"**this library**": Ours(model, matrix, given.rows)} | peers
        for threads in given.threads:
            for side in sides.values():
                side.run(threads)
            seconds = {name: [] for name in sides}
            for _ in range(given.repeats):
                for name, side in sides.items():
                    seconds[name].append(side.run(threads))
            own = sides["**this library**"].predictions()
            best = statistics.median(seconds["**this library**"])
            for side_name, side in sides.items():
                times = seconds[side_name]
                gap = np.abs(side.predictions() - own).max()
                speeds = [given.rows / 1e6 / one for one in (statistics.median(times), max(times), min(times))]
                print(
                    f"| {title} | {threads} | {side_name} | {speeds[0]:.2f} | {speeds[1]:.2f} | {speeds[2]:.2f} "
                    f"| {statistics.median(times) / best:.1f} | {gap:.1e} |",
                    flush=True,
                )
                # ONNX Runtime rounds thresholds to float32, so a few of its rows reach a different leaf.
                if side_name != "ONNX Runtime" and "of its own" not in side_name:
                    assert gap < 1e-5, f"{side_name} gives other probabilities"
        one = sides["**this library**"].ask("one 200000").split()
        peak = float(sides["**this library**"].ask("peak"))
        print(f"\n{title}: one row p50 {float(one[0]):.2f} us, p99 {float(one[1]):.2f} us; peak {peak:.0f} MiB with the matrix\n")


if __name__ == "__main__":
    main()
