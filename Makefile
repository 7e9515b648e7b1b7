# PGXS build of pg_tenancy. The version lives in pg_tenancy.control, and in META.json for PGXN; sources and SQL parts are found by wildcard.
# Pure code (src/core, src/remote, *.pure.cpp) is compiled without the server's include path.
MODULE_big  = pg_tenancy
EXTENSION   = pg_tenancy
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_tenancy.control)
ifeq ($(EXTVERSION),)
$(error build in the directory of the sources: VPATH builds are not supported)
endif

SOURCES     = $(sort $(wildcard src/*.cpp src/*/*.cpp src/*/*/*.cpp))
PURE        = $(sort $(wildcard src/core/*.cpp src/remote/*.cpp src/remote/*/*.cpp src/*/*.pure.cpp))
OBJS        = $(SOURCES:.cpp=.o)

DATA_built  = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA        = $(wildcard sql/updates/*.sql)

TESTS       = $(sort $(wildcard test/sql/*.sql))
REGRESS     = $(patsubst test/sql/%.sql,%,$(TESTS))
REGRESS_OPTS = --inputdir=test
ISOLATION   = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test
EXTRA_CLEAN = sql/$(EXTENSION)--$(EXTVERSION).sql results output_iso build .deps .made_with $(SOURCES:.cpp=.d)

PG_CONFIG  ?= pg_config
PKG_CONFIG ?= pkg-config
MYSQL_CONFIG ?= $(shell command -v mariadb_config || command -v mysql_config)
MYSQL_CONFIG := $(MYSQL_CONFIG)

LIBRARIES   = libpq sqlite3 libssl libcrypto libcares libcurl
WARNINGS    = -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-register
CXX_RULES   = -std=c++20 -fvisibility=hidden -fvisibility-inlines-hidden $(WARNINGS) -MMD -MP
PURE_CPPFLAGS := -Isrc -D_GNU_SOURCE $(shell $(PKG_CONFIG) --cflags $(LIBRARIES)) $(patsubst -I%,-isystem %,$(shell $(MYSQL_CONFIG) --include))

PG_CPPFLAGS := -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) \
              '-DPGDLLEXPORT=__attribute__((visibility("default")))' -DTENANCY_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS = $(CXX_RULES)
SHLIB_LINK := $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) $(shell $(MYSQL_CONFIG) --libs) -lstdc++

# The JIT never inlines C++, and its bitcode would need clang at build time.
override with_llvm := no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# What the server and its packager want of the preprocessor (_FORTIFY_SOURCE) holds for pure code too; their paths do not.
PURE_CPPFLAGS := $(filter-out -DTENANCY_VERSION=%,$(filter -D% -U% -W%,$(CPPFLAGS))) $(PURE_CPPFLAGS)
$(PURE:.cpp=.o): override CPPFLAGS := $(PURE_CPPFLAGS)

# Objects know of the sources they are made of; of the rest only here, so that another server's or library's are not taken for ours.
MADE_WITH := $(shell $(PG_CONFIG) --version), $(shell $(MYSQL_CONFIG) --version --libs | xargs), $(EXTVERSION)
$(OBJS): .made_with
.made_with: always
	@echo '$(MADE_WITH)' | cmp -s - $@ || echo '$(MADE_WITH)' >$@
.PHONY: always

sql/$(EXTENSION)--$(EXTVERSION).sql: $(sort $(wildcard sql/[0-9]*.sql)) pg_tenancy.control
	cat $(filter %.sql,$^) > $@

-include $(SOURCES:.cpp=.d)
