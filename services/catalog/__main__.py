from services.catalog.app import build
from services.catalog.settings import CatalogSettings
from shared.main import main

main("catalog", CatalogSettings, build)
