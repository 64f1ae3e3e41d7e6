"""Cube, from npm, without the binaries that its packages would fetch: models in YAML, over PostgreSQL.

One server serves many models, each over a database of its own, as a multitenant Cube does: a folder below the tenants'
folder holds `tenant.json` (`secret`, which the tokens of its callers are signed with, and `database`, a PostgreSQL URL)
and `model/*.yml`. A tenant is there as soon as its folder is.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from engines.daemon import daemon_runs, kept_port, start_daemon, stop_daemon
from engines.engine import Instance, progress, run

_VERSION = "0.31.69"  # the last whose YAML models need no native add-on
_PACKAGES = (f"@cubejs-backend/server@{_VERSION}", f"@cubejs-backend/postgres-driver@{_VERSION}")
_MARK = f"whole-{_VERSION}"

_CONFIGURATION = """\
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const packages = createRequire(process.env.ECP_CUBE_PACKAGES);
const jwt = packages('jsonwebtoken');
const PostgresDriver = packages('@cubejs-backend/postgres-driver');
const { FileRepository } = packages('@cubejs-backend/shared');
const { CubejsHandlerError } = packages('@cubejs-backend/api-gateway');

const folder = process.env.ECP_CUBE_TENANTS;
const tenant = (name) => JSON.parse(fs.readFileSync(path.join(folder, name, 'tenant.json'), 'utf8'));

// Whose secret a token is signed with says whose model is asked.
const checkAuth = (request, token) => {
  for (const name of fs.readdirSync(folder)) {
    try {
      request.securityContext = { ...jwt.verify(token, tenant(name).secret, { algorithms: ['HS256'] }), tenant: name };
      return;
    } catch (error) {
      // the next one's, perhaps
    }
  }
  throw new CubejsHandlerError(403, 'Forbidden', 'Invalid token'); // as Cube's own check does
};
const named = ({ securityContext }) => `TENANT_${securityContext.tenant}`;
const databaseOf = ({ securityContext }) => tenant(securityContext.tenant).database;
const modelOf = ({ securityContext }) => path.join(folder, securityContext.tenant, 'model');

module.exports = {
  checkAuth,
  contextToAppId: named,
  contextToOrchestratorId: named,
  repositoryFactory: (context) => new FileRepository(path.relative(process.cwd(), modelOf(context))),
  driverFactory: (context) => new PostgresDriver({ connectionString: databaseOf(context) }),
};
"""


class Cube:
    """The `Engine` of ECP_SEMANTIC_URL."""

    name = "cube"
    version = f"Cube {_VERSION}"

    def fetch(self, downloads: Path) -> None:
        """See `Engine`."""
        if (downloads / _MARK).exists():
            return
        progress(self.name, "fetching the packages")
        shutil.rmtree(downloads / "node_modules", ignore_errors=True)
        (downloads / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(["npm", "install", *quiet, *_PACKAGES], cwd=downloads)
        (downloads / _MARK).touch()

    def start(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        if daemon_runs(instance):
            return
        tenants = instance.folder / "tenants"
        tenants.mkdir(mode=0o700, exist_ok=True)
        (instance.folder / "cube.js").write_text(_CONFIGURATION, encoding="utf-8")
        url = f"http://127.0.0.1:{kept_port(instance)}"
        environment = {
            "ECP_CUBE_PACKAGES": str(downloads / "package.json"),
            "ECP_CUBE_TENANTS": str(tenants),
            "PORT": url.rpartition(":")[2],
            "NODE_ENV": "production",
            "CUBEJS_API_SECRET": "the secrets are the tenants'",
            "CUBEJS_DB_TYPE": "postgres",
            "CUBEJS_DEV_MODE": "false",
            "CUBEJS_TELEMETRY": "false",
            "CUBEJS_CACHE_AND_QUEUE_DRIVER": "memory",
            "CUBEJS_REFRESH_WORKER": "false",
        }
        command = ["node", downloads / "node_modules" / ".bin" / "cubejs-server", "server"]
        start_daemon(instance, command, answers=lambda: _answers(url), environment=environment)

    def stop(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        del downloads
        stop_daemon(instance)

    def running(self, downloads: Path, instance: Instance) -> bool:
        """See `Engine`."""
        del downloads
        return daemon_runs(instance)

    def environment(self, instance: Instance) -> Mapping[str, str]:
        """See `Engine`: the server's URL, and the folder that tenants are put into."""
        return {
            "ECP_TEST_CUBE_URL": f"cube+http://127.0.0.1:{instance.fact('port')}",
            "ECP_TEST_CUBE_TENANTS": str(instance.folder / "tenants"),
        }


def _answers(url: str) -> bool:
    """Return whether the server is there; without a token it refuses whoever asks, and that is an answer."""
    try:
        with urllib.request.urlopen(f"{url}/livez", timeout=2):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
