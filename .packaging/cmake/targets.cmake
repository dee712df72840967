# The targets cloudflare::COMPONENT, for the installed package and for include/CMakeLists.txt.
#
# access      the headers of the library; Boost.JSON
# beast       its default transport, the sandbox server and the sealed sink; OpenSSL, threads
# curl        its transport over libcurl
# postgres    its stores in PostgreSQL; libpq, threads
# access_src  access, whose heavy parts are compiled once, with the options of the program
# beast_src   the same of beast
set(cloudflare_access_all_components access beast curl postgres access_src beast_src)

# Looks for a package unless the target that it is wanted for is there. Sets found.
macro(cloudflare_access_find target)
    if(NOT TARGET ${target})
        find_package(${ARGN} QUIET)
    endif()
    set(found OFF)
    if(TARGET ${target})
        set(found ON)
    endif()
endmacro()

# Makes one target. Sets cloudflare_access_missing to what it needs and is not there, or to nothing.
function(cloudflare_access_component component include_dir source_dir)
    set(cloudflare_access_missing "" PARENT_SCOPE)
    if(TARGET cloudflare::${component})
        return()
    endif()
    if(POLICY CMP0167) # from CMake 3.30 on: Boost is found by its own configuration
        cmake_policy(SET CMP0167 NEW)
    endif()
    if(POLICY CMP0074) # Name_ROOT is looked at
        cmake_policy(SET CMP0074 NEW)
    endif()
    set(THREADS_PREFER_PTHREAD_FLAG ON)

    set(needs access)
    set(libraries "")
    if(component STREQUAL "access")
        set(needs "")
        cloudflare_access_find(Boost::json Boost 1.81 COMPONENTS json)
        if(NOT found)
            set(cloudflare_access_missing "Boost 1.81 or newer with Boost.JSON" PARENT_SCOPE)
            return()
        endif()
        set(libraries Boost::json)
        foreach(headers Boost::headers Boost::asio Boost::beast) # the last two: Boost by add_subdirectory
            if(TARGET ${headers})
                list(APPEND libraries ${headers})
            endif()
        endforeach()
    elseif(component STREQUAL "beast")
        cloudflare_access_find(OpenSSL::SSL OpenSSL 3.0)
        if(NOT found)
            set(cloudflare_access_missing "OpenSSL 3 or newer" PARENT_SCOPE)
            return()
        endif()
        cloudflare_access_find(Threads::Threads Threads)
        set(libraries OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
        if(WIN32)
            list(APPEND libraries ws2_32 mswsock) # of Asio, where the compiler is not told by the headers
        endif()
    elseif(component STREQUAL "curl")
        cloudflare_access_find(CURL::libcurl CURL 7.85)
        if(NOT found)
            set(cloudflare_access_missing "libcurl 7.85 or newer" PARENT_SCOPE)
            return()
        endif()
        set(libraries CURL::libcurl)
    elseif(component STREQUAL "postgres")
        cloudflare_access_find(PostgreSQL::PostgreSQL PostgreSQL)
        if(NOT found)
            set(cloudflare_access_missing "libpq" PARENT_SCOPE)
            return()
        endif()
        cloudflare_access_find(Threads::Threads Threads)
        set(libraries PostgreSQL::PostgreSQL Threads::Threads)
    elseif(component STREQUAL "beast_src")
        set(needs beast access_src)
    elseif(NOT component STREQUAL "access_src")
        set(cloudflare_access_missing "no such component; there are: ${cloudflare_access_all_components}" PARENT_SCOPE)
        return()
    endif()

    foreach(needed IN LISTS needs)
        cloudflare_access_component(${needed} "${include_dir}" "${source_dir}")
        if(cloudflare_access_missing)
            set(cloudflare_access_missing "${cloudflare_access_missing}" PARENT_SCOPE)
            return()
        endif()
        list(APPEND libraries cloudflare::${needed})
    endforeach()

    if(component MATCHES "_src$")
        add_library(cloudflare_${component} STATIC EXCLUDE_FROM_ALL "${source_dir}/${component}.cpp")
        add_library(cloudflare::${component} ALIAS cloudflare_${component})
        set_target_properties(cloudflare_${component} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_compile_definitions(cloudflare_${component} PUBLIC CLOUDFLARE_SEPARATE_COMPILATION)
        target_link_libraries(cloudflare_${component} PUBLIC ${libraries})
        return()
    endif()
    # Imported, so that its headers give no warnings and a parent can install what links against it.
    add_library(cloudflare::${component} INTERFACE IMPORTED ${cloudflare_access_scope})
    set_target_properties(cloudflare::${component} PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
    if(component STREQUAL "access")
        set_target_properties(cloudflare::access PROPERTIES
            INTERFACE_INCLUDE_DIRECTORIES "${include_dir}"
            INTERFACE_COMPILE_FEATURES cxx_std_20)
    endif()
endfunction()
