/* bcryptprimitives.dll for a Wine that lacks it; see .ci/windows. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PUCHAR bytes, SIZE_T length)
{
    return RtlGenRandom(bytes, (ULONG)length);
}
