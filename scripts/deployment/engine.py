"""Makes the containers of compose.yaml: their volumes, secrets and addresses."""

import shutil
from pathlib import Path

from scripts.deployment.compose import Project, Service
from scripts.deployment.container import Container, Image
from scripts.deployment.jail import Mount, inside
from scripts.deployment.network import Networks


class Engine:
    """What a container engine would do with the file, as far as the trial needs it."""

    def __init__(self, project: Project, images: dict[str, Image], folder: Path, secrets: Path) -> None:
        self.project, self.containers = project, dict[str, Container]()
        self._images, self._folder, self._secrets = images, folder, secrets
        self._volumes = folder / "volumes"
        self.networks = Networks(project, folder / "hosts")

    def make(self, name: str) -> Container:
        """A new container of a service, not yet started: a new address, and new volumes where they have no name."""
        service = self.project.services[name]
        image = self._images[service.image]
        self.networks.join(service)
        container = Container(service, image, self._mounts(service, image), self._folder)
        self.containers[name] = container
        return container

    def stop(self) -> None:
        """Stop each service before those that it depends on."""
        for container in reversed(self.containers.values()):
            if container.is_alive:
                container.stop()

    def _mounts(self, service: Service, image: Image) -> list[Mount]:
        secrets = (Path(self.project.secrets[name]) for name in service.said.get("secrets", ()))
        return [
            *(Mount(target) for target in service.said.get("tmpfs", ())),
            *(self._mounted(image, *volume.split(":")) for volume in service.said.get("volumes", ())),
            *(Mount(target, self._volume(image, target, anew=service.name)) for target in image.configuration.volumes),
            *(Mount(f"/run/secrets/{file.name}", self._secrets / file, read_only=True) for file in secrets),
            Mount("/etc/hosts", self.networks.hosts, read_only=True),
        ]

    def _mounted(self, image: Image, source: str, target: str, mode: str = "rw") -> Mount:
        """A file or folder of the project's, or a volume with a name."""
        if source.startswith("."):
            return Mount(target, self.project.folder / source, read_only=mode == "ro")
        return Mount(target, self._volume(image, target, name=source))

    def _volume(self, image: Image, target: str, *, name: str = "", anew: str = "") -> Path:
        """A volume begins with the owner that its folder has in the image; without a name it begins empty each time."""
        volume = self._volumes / (name or f"of-{anew}")
        if anew:
            shutil.rmtree(volume, ignore_errors=True)
        if not volume.exists():
            volume.mkdir(parents=True)
            owner = inside(image.root, target).stat()
            shutil.chown(volume, owner.st_uid, owner.st_gid)
        return volume
