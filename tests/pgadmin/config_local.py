"""pgAdmin 4 as one person uses it at their own desk, with what it keeps in a folder of `make bench`."""

import os

SERVER_MODE = False
MASTER_PASSWORD_REQUIRED = False
# Nothing is looked up elsewhere.
UPGRADE_CHECK_ENABLED = False
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = int(os.environ["PGADMIN_BENCH_PORT"])
DATA_DIR = os.environ["PGADMIN_BENCH_DATA"]
LOG_FILE = os.path.join(DATA_DIR, "pgadmin4.log")
SQLITE_PATH = os.path.join(DATA_DIR, "pgadmin4.db")
SESSION_DB_PATH = os.path.join(DATA_DIR, "sessions")
STORAGE_DIR = os.path.join(DATA_DIR, "storage")
AZURE_CREDENTIAL_CACHE_DIR = os.path.join(DATA_DIR, "azurecredentialcache")
KERBEROS_CCACHE_DIR = os.path.join(DATA_DIR, "krbccache")
