import subprocess
import sys


def test_units_need_neither_torch_nor_ros():
    code = (
        "import sys, roma_ros.units; "
        "print([name for name in ('torch', 'transformers', 'rclpy', 'av') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
