from services.payments.app import build
from services.payments.settings import PaymentsSettings
from shared.main import main

main("payments", PaymentsSettings, build)
