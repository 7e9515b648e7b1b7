# shellcheck shell=sh
# What the scripts beside this file share: messages, rights, Debian packages, building. POSIX sh, sourced.

root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Of scripts/check, in their order.
# shellcheck disable=SC2034  # for check and matrix
all_stages="lint unit regress isolation tap process sanitize"

# Nothing that the caller set for other servers may reach ours.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGPASSFILE PGDATABASE PGSERVICE PGSERVICEFILE PGOPTIONS PGDATA \
	PGSSLMODE PGTZ PGDATESTYLE PGAPPNAME PGCLIENTENCODING PGTARGETSESSIONATTRS MYSQL_HOME MYSQL_TCP_PORT MYSQL_UNIX_PORT
export LC_ALL=C.UTF-8

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "$(basename "$0"): $*"
	exit 1
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

# Run a command with the rights that packages and installing need.
as_root()
{
	if is_root; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root or sudo: $*"
	fi
}

# The PostgreSQL major that everything here uses: PGVERSION, else the one of PG_CONFIG, else the distribution's.
find_pg_version()
{
	if [ -z "${PGVERSION:-}" ] && [ -n "${PG_CONFIG:-}" ]; then
		PGVERSION=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	fi
	if [ -z "${PGVERSION:-}" ] && command -v apt-cache >/dev/null; then
		PGVERSION=$(distribution_pg_version)
		if [ -z "$PGVERSION" ]; then
			update_package_lists
			PGVERSION=$(distribution_pg_version)
		fi
	fi
	[ -n "${PGVERSION:-}" ] || die "cannot tell which PostgreSQL to use: set PGVERSION or PG_CONFIG"
	PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$PGVERSION/bin/pg_config}
	export PGVERSION PG_CONFIG
	find_mysql_flavour
}

distribution_pg_version()
{
	apt-cache depends postgresql 2>/dev/null | sed -n 's/^.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
}

update_package_lists()
{
	[ -z "${lists_are_fresh:-}" ] || return 0
	as_root apt-get -q -o DPkg::Lock::Timeout=300 update >&2 || die "apt-get update failed"
	lists_are_fresh=yes
}

# Whose server and client library stand for MySQL: MYSQL_FLAVOUR is mariadb (the default), or mysql for Oracle's.
find_mysql_flavour()
{
	MYSQL_FLAVOUR=${MYSQL_FLAVOUR:-mariadb}
	# shellcheck disable=SC2034  # for the scripts that source this
	case $MYSQL_FLAVOUR in
	mariadb) mysql_library=libmariadb-dev mysql_server=mariadb-server mysql_client=mariadb mysql_no_tls=--skip-ssl ;;
	mysql) mysql_library=libmysqlclient-dev mysql_server=mysql-server mysql_client=mysql mysql_no_tls=--ssl-mode=DISABLED ;;
	*) die "MYSQL_FLAVOUR is mariadb or mysql" ;;
	esac
	MYSQL_CONFIG=${MYSQL_CONFIG:-${MYSQL_FLAVOUR}_config}
	export MYSQL_FLAVOUR MYSQL_CONFIG
}

build_packages()
{
	echo "postgresql-$PGVERSION postgresql-server-dev-$PGVERSION build-essential g++ make pkg-config libpq-dev" \
		"$mysql_library libsqlite3-dev libssl-dev libc-ares-dev libcurl4-openssl-dev nlohmann-json3-dev libicu-dev"
}

is_installed()
{
	dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

# Install what is missing of the named packages; apt-get is not called when nothing is.
need_packages()
{
	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system: assuming that these are installed: $*"
		return 0
	fi
	missing=
	for package in "$@"; do
		is_installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	update_package_lists
	# shellcheck disable=SC2086  # a list of words
	install_without_services $missing
}

# The servers of the packages must not start: no PostgreSQL cluster is made, no service is run, now or when the machine starts.
install_without_services()
(
	exec 9</var/lib/dpkg # not beside another one, whose end would take away what holds the servers back
	flock 9
	cluster_conf=/etc/postgresql-common/createcluster.d/pg_tenancy.conf
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] && policy=
	trap 'as_root rm -f "$cluster_conf" $policy && as_root rmdir "$(dirname "$cluster_conf")" 2>/dev/null || :' EXIT
	trap 'exit 1' HUP INT TERM
	as_root mkdir -p "$(dirname "$cluster_conf")"
	echo 'create_main_cluster = false' | as_root tee "$cluster_conf" >/dev/null
	if [ -n "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		--no-install-recommends install "$@" >&2 9<&- || die "apt-get install failed: $*"
	case " $* " in *" mariadb-server "*) disable_service mariadb ;; esac
	case " $* " in *" mysql-server "*) disable_service mysql ;; esac
	case " $* " in *" pgbouncer "*) disable_service pgbouncer ;; esac
)

disable_service()
{
	! command -v systemctl >/dev/null || as_root systemctl --quiet disable "$1" >/dev/null 2>&1 || :
}

build()
{
	make -C "$root" -j "$(nproc)" -s PG_CONFIG="$PG_CONFIG" MYSQL_CONFIG="$MYSQL_CONFIG" "$@" >&2
}

# Are the installed files the built ones?
is_current()
{
	library=$("$PG_CONFIG" --pkglibdir)
	extensions=$("$PG_CONFIG" --sharedir)/extension
	cmp -s "$root/pg_tenancy.so" "$library/pg_tenancy.so" || return 1
	for file in "$root/pg_tenancy.control" "$root"/sql/pg_tenancy--*.sql "$root"/sql/updates/*.sql; do
		[ ! -e "$file" ] || cmp -s "$file" "$extensions/$(basename "$file")" || return 1
	done
}

build_and_install()
{
	build "$@" || die "the build failed"
	is_current || as_root make -C "$root" -s PG_CONFIG="$PG_CONFIG" MYSQL_CONFIG="$MYSQL_CONFIG" "$@" install >&2 || die "make install failed"
}

# The servers that scripts/sandbox has started in $work/sandbox: their addresses, and where the programs of PostgreSQL are.
enter_sandbox()
{
	set -a
	# shellcheck source=/dev/null
	. "$work/sandbox/env"
	set +a
	bin=$("$PG_CONFIG" --bindir)
}

# For the end of a script: no server of it stays, nor what is in $work.
finish_sandbox()
{
	if [ -e "$work/sandbox/state" ]; then
		"$root/scripts/sandbox" stop --dir "$work/sandbox" || :
	fi
	rm -rf "$work"
}

# psql on the platform database of that sandbox, with the arguments, to its first error.
on_platform()
{
	"$bin/psql" -X -q -At -v ON_ERROR_STOP=1 "$@"
}

# The unit tests and the fuzz targets with AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize.
build_sanitized()
{
	cmake -S "$root" -B "$root/build/sanitize" -DTENANCY_MODULE=OFF -DTENANCY_FUZZ=ON "-DTENANCY_SANITIZE=address;undefined" \
		-DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Sanitize "-DCMAKE_CXX_FLAGS_SANITIZE=-O1 -g1" &&
		cmake --build "$root/build/sanitize" --parallel "$(nproc)"
}

# Run a program of that build: sanitized <most seconds> <command>; status 99 is a finding. Older sanitizers fail now and
# then where addresses are very random. A client library asks malloc for as much as a rogue server speaks of, and lives
# with a refusal.
sanitized()
{
	limit=$1
	shift
	steady=
	! setarch -R true 2>/dev/null || steady="setarch -R"
	# shellcheck disable=SC2086  # words or nothing
	ASAN_OPTIONS=allocator_may_return_null=1:exitcode=99 timeout "$limit" $steady "$@"
}

# Run a fuzz target from its seeds: fuzz <target> <most seconds> <log> <options of libFuzzer>. What it finds stays beside
# the target.
fuzz()
{
	target=$1 limit=$2 log=$3
	shift 3
	seeds=$root/test/fuzz/seeds/$(basename "$target" _fuzz)
	corpus=$(mktemp -d "${TMPDIR:-/tmp}/pg_tenancy_corpus.XXXXXX")
	[ -d "$seeds" ] || seeds=
	status=0
	# shellcheck disable=SC2086  # one word or none
	sanitized "$limit" "$target" "$@" -max_len=4096 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$target." \
		"$corpus" $seeds >"$log" 2>&1 || status=$?
	rm -rf "$corpus"
	return "$status"
}
