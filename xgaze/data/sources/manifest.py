"""A table with one row per sample: any data set, its columns named in the definition."""

from typing import TYPE_CHECKING

from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.source import Source, same_data
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class Manifest(Source[ManifestData]):
    """Samples of another table than a model was trained on are all new to it, target and people known or not."""

    section = ManifestData

    def open(self, data: ManifestData, progress: "Advance | None" = None) -> "Recording":
        from xgaze.data.manifests.manifest_recording import open_manifest

        return open_manifest(data, progress)

    def check(self, data: ManifestData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.manifests.manifest_faults import check_manifest

        return check_manifest(data, advance)

    def for_prediction(self, data: ManifestData, spec: "Spec", trained_on: DataSection) -> "Recording":
        from xgaze.data.manifests.manifest_recording import open_manifest_for_prediction

        return self.open(data) if same_data(data, trained_on) else open_manifest_for_prediction(data, spec)


SOURCE = Manifest()
