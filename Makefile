# `make demo` runs the main job; `make test` passes every test. Both install what is missing.

export KINORA_SHARED_MEDIA ?= $(abspath ../shared/media)
# MPEG's schema of the MPD, which is not ours to ship: github.com/MPEGGroup/DASHSchema.
export KINORA_DASH_SCHEMA ?= $(abspath ../shared/schemas/DASH-MPD.xsd)
STEP = @deploy/step.sh
# Tests that ask for an empty database.
TABLES = package(kinora-db) | package(kinora-catalogue) | package(kinora-transcoding)

.PHONY: demo cluster-demo test check build bench soak help

help:
	@echo 'make demo [VIDEO=film.mp4]  start Kinora, upload a clip, play it (Ctrl-C stops)'
	@echo 'make cluster-demo [VIDEO=…] the same in seven processes on Postgres, RabbitMQ and S3 servers of its own'
	@echo 'make test                   check the code and run every test'
	@echo 'make soak [FILES=2000 SEED=1000]  fuzz the parsers, send damaged files through the worker and some through a server, kill what can die for half an hour: two hours'
	@echo 'make check                  formatting, lints and docs only'
	@echo 'make build                  the three binaries, under target/debug'
	@echo 'make bench                  the encoder beside ffmpeg, the packager beside Shaka Packager, the origin beside nginx, the queue and the orchestrator under load: three quarters of an hour on a quiet machine (BENCH=… passes options)'

demo:
	@deploy/bootstrap.sh demo
	@cargo build --bins
	@deploy/demo.sh $(VIDEO)

cluster-demo:
	@deploy/bootstrap.sh test
	@cargo build --bins
	@target/debug/with-servers --cluster deploy/cluster-demo.sh $(VIDEO)

test:
	@deploy/step.sh --begin
	$(STEP) 'install what is missing' deploy/bootstrap.sh test
	$(STEP) 'build' cargo build --workspace --all-targets --quiet
	@$(MAKE) --no-print-directory check STEP='$(STEP) --go-on'
	$(STEP) --go-on 'arithmetic of the comparisons' python3 -m unittest discover --quiet --start-directory benches/compare
	$(STEP) --go-on 'tests' cargo nextest run --workspace --no-fail-fast
	$(STEP) --go-on 'tests of the tables on Postgres' target/debug/with-servers cargo nextest run --workspace --no-fail-fast -E '$(TABLES)'
	$(STEP) --go-on 'fuzz targets' deploy/fuzz.sh 20 1
	$(STEP) --go-on 'judges of the origin' origin/tests/judges/run.sh
	$(STEP) --go-on 'doc tests' cargo test --workspace --doc --quiet
	$(STEP) --go-on 'browser tests' npm test --prefix web --silent
	@deploy/step.sh --summary

# Fuzz targets for ten minutes each; then mutations of five containers by seeds that `make test` does not try. SEED begins elsewhere.
soak: export KINORA_SOAK_FILES = $(or $(FILES),2000)
soak: export KINORA_SOAK_SEED = $(or $(SEED),1000)
soak:
	@deploy/bootstrap.sh test
	@nice -n 10 deploy/fuzz.sh 600 $(SEED)
	@cargo build --workspace --all-targets --quiet
	@timeout 7200 nice -n 10 cargo test --workspace --test worker -- --ignored --nocapture mutants::soak
	@timeout 1800 nice -n 10 cargo test --workspace --test it -- --ignored --nocapture soak::every_damaged_upload_ends
	@timeout 3600 nice -n 10 cargo test --workspace --test it -- --ignored --nocapture random_kills::soak one_broker_of_three

check:
	$(STEP) 'formatting' cargo fmt --all --check
	$(STEP) 'clippy' cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(STEP) 'docs' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --quiet
	$(STEP) 'web lint' npm run lint --prefix web --silent

build:
	@deploy/bootstrap.sh demo
	@cargo build --bins

bench:
	@deploy/bootstrap.sh test
	@cargo build --release --workspace --bins --example plan --example serve --example drain \
		--example publish_rate --example stub_worker --example misses --example parked
	@status=0; python3 benches/compare/transcode.py --json target/bench/transcode.json $(BENCH) || status=1; \
		python3 benches/compare/package.py --check || status=1; \
		python3 benches/compare/just_in_time.py --check || status=1; \
		python3 benches/compare/origin.py --check || status=1; \
		python3 benches/compare/cluster.py --check || status=1; \
		target/release/examples/misses --check || status=1; \
		target/release/examples/parked 9000 || status=1; exit $$status
