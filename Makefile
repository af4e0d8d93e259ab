# SPDX-License-Identifier: Apache-2.0
# The front door. Meson does the work; see CONTRIBUTING.md.
#
#   make          build/earshot
#   make run      build it and start it with something to look at; with
#                 CONFIG=FILE as that says
#   make check    every test and check
#   make bench    measure against the floor and the peers
#   make fuzz     fuzz each entrance for FUZZ_SECONDS (default 60)
#   make install  into PREFIX (default /usr/local)

PREFIX ?= /usr/local
DATA ?= ./data
FUZZ_SECONDS ?= 60
export LC_ALL ?= C.UTF-8

all: build/build.ninja
	@ninja -C build earshot

packages-%:
	@tools/packages $*

build/build.ninja: | packages-build
	@meson setup build --buildtype=release -Db_lto=true --prefix=$(PREFIX) >/dev/null

run: packages-build all
	@build/earshot serve --data $(DATA) $(addprefix --config ,$(CONFIG)) \
		--sample packaging/sample/sample.pcap

check: packages-check
	@tools/check

bench: packages-bench all
	@ninja -C build tests/bench/hepgen tests/bench/floor \
		tests/bench/find-bench tests/bench/lib-bench \
		tests/bench/sql-bench tests/bench/trace-bench tests/bench/track-bench \
		tests/bench/records-bench >/dev/null
	@tests/bench/run --write docs/performance.md

fuzz: packages-check
	@tools/fuzz $(FUZZ_SECONDS)

install: all
	@ninja -C build library
	@meson install --no-rebuild -C build

clean:
	rm -rf build build-*

.PHONY: all run check bench fuzz install clean
