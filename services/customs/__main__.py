from services.customs.app import build
from services.customs.settings import CustomsSettings
from shared.main import main

main("customs", CustomsSettings, build)
