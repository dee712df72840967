# From the checkout that this port stands in: vcpkg install cloudflare-access --overlay-ports=.packaging/vcpkg
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../.." ABSOLUTE)
set(VCPKG_BUILD_TYPE release) # headers only
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}/include"
    OPTIONS
        -DCLOUDFLARE_ACCESS_COMPONENTS=access
        -DCLOUDFLARE_ACCESS_CMAKE_DIR=share/cloudflare-access
)
vcpkg_cmake_install()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
