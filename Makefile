# どれも、Python 3.11〜3.13 だけがある機械から、一つの命令で動きます。要るものは backend/prepare.py がそろえます。
# ほかのPythonを使うには `make demo PYTHON=/path/to/python3.12`。

PORT ?= 8000
SIMULATOR_PORT ?= 8001
# 試験を並べて走らせる数。それぞれが自分のPostgreSQLを持つ。
WORKERS ?= 2
TESTS ?= tests

IN = .venv/bin
RIGHT = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench build lock prepare-tools prepare-pages prepare-all prepare-bench

help: ## この一覧
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' Makefile

demo: prepare-pages ## すべてを起動し、開くアドレスと試し用の名前・合言葉を表示する(PORT=、SIMULATOR_PORT= で変えられる)
	@exec $(IN)/ward demo --port $(PORT) --simulator-port $(SIMULATOR_PORT)

test: prepare-all check ## 検査のあと、試験をすべて走らせる(TESTS=tests/line のように絞れる)
	@exec $(IN)/python -m pytest -q -n $(WORKERS) --dist loadscope $(TESTS)

check: prepare-tools ## 書式、書き方、型、部屋の上下を確かめる
	@$(IN)/ruff format --check --quiet --output-format concise . || { echo '書式が違います。`.venv/bin/ruff format` で直ります。' >&2; exit 1; }
	@$(IN)/ruff check --quiet --output-format concise .
	@$(IN)/pyright
	@$(IN)/lint-imports --no-logo

bench: prepare-bench ## 速さと大きさを測り、tests/bench/results/latest.json に書く(BENCH_LARGE=1 で長い測定も)
	@exec $(IN)/python -m tests.bench

build: prepare-tools ## 住民ページの束を作り直す
	@$(PREPARE) --again pages

lock: prepare-tools ## pyproject.toml から requirements.lock を作り直す(依存を変えたとき)
	@$(IN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-emit-index-url --custom-compile-command 'make lock' -o requirements.lock

prepare-tools:
	@$(PREPARE)

prepare-pages:
	@$(PREPARE) pages

prepare-all:
	@$(PREPARE) pages browser

prepare-bench:
	@$(PREPARE) pages browser bench

# 使えるPythonを一つ選び、用意を任せる。
PREPARE = set -e; chosen=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -I -c '$(RIGHT)' >/dev/null 2>&1; then chosen="$$python"; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo 'Python 3.11〜3.13 が見つかりません。' >&2; \
	  echo 'python.org か、お使いのOSの配布元から入れてください(DebianやUbuntuでは `apt install python3 python3-venv`)。' >&2; \
	  exit 1; \
	fi; \
	exec "$$chosen" -I backend/prepare.py
