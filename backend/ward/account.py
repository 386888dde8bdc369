"""LINE公式アカウントの名前と、区の連絡先(POL 3)。画面はすべてここから取る。"""

MUNICIPALITY = "文京区"
ACCOUNT_NAME = "文京区"
ACCOUNT_ID = "@bunkyocity"
WARD_SITE = "https://www.city.bunkyo.lg.jp/"
ADD_FRIEND_URL = "https://line.me/R/ti/p/@bunkyocity"
OPERATOR = "企画政策部広報課"
