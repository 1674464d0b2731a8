"""Folders of models as servers read them: DIR/<model>/<version>/model.onnx, DIR/<model>/config.pbtxt."""
import pathlib
import shutil


class Repository:
    """A folder that begins empty, below the working folder."""

    def __init__(self, bench, name):
        self.path = bench.work_dir / "repositories" / name
        self._staging = bench.work_dir / "repositories" / f"{name}.staging"
        for folder in (self.path, self._staging):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def configure(self, model, text):
        folder = self.path / model
        folder.mkdir(exist_ok=True)
        (folder / "config.pbtxt").write_text(text)

    def publish(self, model, version, files):
        """Adds a version at once, as a careful deployment does: copied elsewhere, then renamed. files: {name: path}."""
        staged = self._staging / f"{model}-{version}"
        staged.mkdir()
        for name, source in files.items():
            shutil.copyfile(source, staged / name)
        folder = self.path / model
        folder.mkdir(exist_ok=True)
        staged.rename(folder / str(version))

    def withdraw(self, model, version):
        """Removes a version at once."""
        gone = self._staging / f"{model}-{version}-gone"
        (self.path / model / str(version)).rename(gone)
        shutil.rmtree(gone)


def onnx_files(path):
    return {"model.onnx": pathlib.Path(path)}
