@echo off
rem Drop a village's folder, its form (input.xlsx) or its footprints on this file.
chcp 65001 >nul
setlocal
set "PYTHONUTF8=1"
set "RUN=%~dp0venv\Scripts\pvplanner.exe"
if not exist "%RUN%" (
  echo venv not found beside this file: see docs/install.md
  pause
  exit /b 2
)
if "%~1"=="" (
  "%RUN%" --help
  pause
  exit /b 0
)
set "WHAT=plan"
if exist "%~1\" goto run
if /i "%~x1"==".xlsx" goto run
if /i "%~x1"==".toml" goto run
set "WHAT=init"
:run
pushd "%~dp1"
"%RUN%" %WHAT% "%~1"
set "CODE=%ERRORLEVEL%"
popd
pause
exit /b %CODE%
