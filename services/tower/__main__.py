from services.tower.app import build
from services.tower.settings import TowerSettings
from shared.main import main

main("tower", TowerSettings, build)
