from services.logistics.app import build
from services.logistics.settings import LogisticsSettings
from shared.main import main

main("logistics", LogisticsSettings, build)
