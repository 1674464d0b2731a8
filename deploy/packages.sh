# The Debian packages that Beak needs, listed here and nowhere else. To be sourced:
#
#   . deploy/packages.sh
#   install_packages $BUILD_PACKAGES $TEST_PACKAGES

# To build and run it. engine/decisions and server/decisions say what each library is for.
BUILD_PACKAGES="
  g++ cmake ninja-build ccache pkgconf
  libabsl-dev libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libdnnl-dev ocl-icd-opencl-dev
  prometheus-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libjpeg-dev libpng-dev
  zlib1g-dev liblzma-dev libzip-dev libsqlite3-dev libssl-dev libboost-dev"

# To test it: `prometheus` brings promtool, `libonnx-testdata` the operator cases of ONNX.
TEST_PACKAGES="libgtest-dev libgmock-dev libonnx-testdata python3 python3-venv python3-yaml prometheus git curl openssl"

# The checks want exactly this formatter; where Debian has no such version they are skipped.
FORMAT_PACKAGES="clang-format-14"

# For tests/run.sh --full: the second compiler with its sanitizers, and a root of the next Debian.
FULL_PACKAGES="clang-14 libclang-rt-14-dev mmdebstrap"

package_is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

package_is_known() {
  apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# Installs what is missing of its arguments; touches nothing and needs no rights when nothing is. Uses sudo when not root.
install_packages() {
  missing=""
  for package in "$@"; do
    package_is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root=""
  [ "$(id -u)" = 0 ] || as_root="sudo"
  echo "installing:$missing" >&2
  $as_root apt-get update -qq >&2 || return 1
  # shellcheck disable=SC2086  # A list of words.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}
